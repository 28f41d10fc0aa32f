-- Rows of a roll-up are added up when ClickHouse merges them: ask with sum().

-- What each service carried, by minute.
CREATE TABLE IF NOT EXISTS `default`.`flows_services_1m`
(
    minute DateTime('UTC'),
    interface String,
    ip_version UInt8,
    proto UInt8,
    dst_port UInt16,
    app LowCardinality(String),
    records UInt64,
    pkts_fwd UInt64,
    pkts_rev UInt64,
    bytes_fwd UInt64,
    bytes_rev UInt64
)
ENGINE = SummingMergeTree((records, pkts_fwd, pkts_rev, bytes_fwd, bytes_rev))
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, interface, ip_version, proto, dst_port, app);

CREATE MATERIALIZED VIEW IF NOT EXISTS `default`.`flows_services_1m_view` TO `default`.`flows_services_1m` AS
SELECT
    toStartOfMinute(toDateTime(flow_end, 'UTC')) AS minute,
    interface, ip_version, proto, dst_port, app,
    count() AS records,
    sum(pkts_fwd) AS pkts_fwd,
    sum(pkts_rev) AS pkts_rev,
    sum(bytes_fwd) AS bytes_fwd,
    sum(bytes_rev) AS bytes_rev
FROM `default`.`flows`
GROUP BY minute, interface, ip_version, proto, dst_port, app;

-- What each pair of addresses spoke of, by hour.
CREATE TABLE IF NOT EXISTS `default`.`flows_pairs_1h`
(
    hour DateTime('UTC'),
    src_ip IPv6,
    dst_ip IPv6,
    records UInt64,
    pkts_fwd UInt64,
    pkts_rev UInt64,
    bytes_fwd UInt64,
    bytes_rev UInt64
)
ENGINE = SummingMergeTree((records, pkts_fwd, pkts_rev, bytes_fwd, bytes_rev))
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, src_ip, dst_ip);

CREATE MATERIALIZED VIEW IF NOT EXISTS `default`.`flows_pairs_1h_view` TO `default`.`flows_pairs_1h` AS
SELECT
    toStartOfHour(toDateTime(flow_end, 'UTC')) AS hour,
    src_ip, dst_ip,
    count() AS records,
    sum(pkts_fwd) AS pkts_fwd,
    sum(pkts_rev) AS pkts_rev,
    sum(bytes_fwd) AS bytes_fwd,
    sum(bytes_rev) AS bytes_rev
FROM `default`.`flows`
GROUP BY hour, src_ip, dst_ip;
