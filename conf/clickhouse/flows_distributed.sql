-- The same table of every server of a cluster, as one. To write into it, set
-- insert_distributed_sync = 1 for tapmeter's user: sent means stored, then.
CREATE TABLE IF NOT EXISTS `default`.`flows_all` AS `default`.`flows`
ENGINE = Distributed(`tapmeter`, `default`, `flows`, cityHash64(flow_id));
