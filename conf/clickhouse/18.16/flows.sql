-- Flow records, a row each; tapmeter-fields(7) says more of the columns.
-- Times are nanoseconds since 1970-01-01 UTC; addresses are those of IPv6, and IPv4 ones
-- are mapped into it: IPv6NumToString(src_ip) shows both.
CREATE TABLE IF NOT EXISTS `default`.`flows`
(
    flow_start Int64,  -- first packet of this record, in nanoseconds
    flow_end Int64,  -- last packet of this record, in nanoseconds
    bytes_fwd UInt64,  -- IP octets from source to destination
    bytes_rev UInt64,  -- IP octets from destination to source
    pkts_fwd UInt64,  -- packets from source to destination
    pkts_rev UInt64,  -- packets from destination to source
    l2_bytes_fwd UInt64,  -- octets of whole frames without FCS from source to destination
    l2_bytes_rev UInt64,  -- octets of whole frames without FCS from destination to source
    flow_id UInt64,  -- the same in every record of one flow
    src_ip FixedString(16),  -- address of the source
    dst_ip FixedString(16),  -- address of the destination
    src_port UInt16,  -- port of the source
    dst_port UInt16,  -- port of the destination
    icmp_type UInt8,  -- ICMP type of the first packet
    icmp_code UInt8,  -- ICMP code of the first packet
    proto UInt8,  -- IP protocol number
    ip_version UInt8,  -- 4 or 6
    tcp_flags_fwd UInt16,  -- all TCP flags of the source, or-ed
    tcp_flags_rev UInt16,  -- all TCP flags of the destination, or-ed
    interface_id UInt32,  -- number of the Observation Point, from 1
    vlan UInt16,  -- outer VLAN; 0: none
    customer_vlan UInt16,  -- inner VLAN; 0: none
    tos_fwd UInt8,  -- type of service, or traffic class, of the first packet of the source
    tos_rev UInt8,  -- the same of the destination
    ttl_fwd UInt8,  -- smallest TTL or hop limit from the source; 0: no packet
    ttl_rev UInt8,  -- the same from the destination
    end_reason UInt8,  -- 1 idle, 2 active timeout, 3 end of flow, 4 forced, 5 lack of resources
    direction UInt8,  -- 1: the source began the flow; 0: the source sent the first packet seen
    src_prefix UInt8,  -- how much of the source address counts, of an aggregate
    dst_prefix UInt8,  -- how much of the destination address counts, of an aggregate
    worker UInt16,  -- which worker metered the flow
    aggregated UInt8,  -- 1: stands for flows that were not told apart; 2: one flow
    sampling UInt32,  -- the N of 1 in N flows; 1: every flow
    retrans_timeout_fwd UInt32,  -- segments sent again behind a timeout, of the source
    retrans_fast_fwd UInt32,  -- segments sent again soon behind duplicate acknowledgements, of the source
    out_of_order_fwd UInt32,  -- segments overtaken by later ones, of the source
    lost_segments_fwd UInt32,  -- segments with a gap before them, of the source
    zero_windows_fwd UInt32,  -- segments that announce a closed window, of the source
    retrans_timeout_rev UInt32,  -- segments sent again behind a timeout, of the destination
    retrans_fast_rev UInt32,  -- segments sent again soon behind duplicate acknowledgements, of the destination
    out_of_order_rev UInt32,  -- segments overtaken by later ones, of the destination
    lost_segments_rev UInt32,  -- segments with a gap before them, of the destination
    zero_windows_rev UInt32,  -- segments that announce a closed window, of the destination
    rtt_client_us UInt32,  -- from the SYN-ACK to the client's ACK, in microseconds; 0: not seen
    rtt_server_us UInt32,  -- from the SYN to the SYN-ACK, in microseconds; 0: not seen
    server_latency_us UInt32,  -- from the client's first octets to the server's, in microseconds; 0: not seen
    tunnel_kind UInt8,  -- innermost tunnel, by its place in the list above; 0: none
    tunnel_id UInt32,  -- VNI, TEID, GRE key, VSID, session: number of the innermost tunnel that has one
    odid UInt32,  -- Observation Domain of the interface
    insert_id UInt64,  -- the same for all rows that tapmeter wrote into one block
    interface String,  -- name of the Observation Point; variable length
    app String,  -- application, as nDPI calls it: TLS.Google; empty: not inspected
    host String  -- HTTP Host, else TLS server name, else DNS name asked for, as it was sent
    , flow_date Date MATERIALIZED toDate(intDiv(flow_end, 1000000000), 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(flow_date)
ORDER BY (intDiv(flow_end, 3600000000000), src_ip, dst_ip, flow_end);
