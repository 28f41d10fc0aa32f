-- Pktgen-DPDK: 64-octet frames at line rate with more and more flows, from 1 to 16 million: where do
-- the caches of the meter end? One flow is one source address and port to one destination.
--
-- start:  pktgen -l 0-4 -n 4 -a 0000:17:00.0 -- -P -m "[1-4].0" -f scripts/pktgen/flows.lua

local port = "0"
-- addresses by ports: the product is the number of flows. An address is 10.0.0.0 plus its number.
local steps = {
    { addresses = 1, ports = 1 },
    { addresses = 16, ports = 64 },
    { addresses = 64, ports = 1024 },
    { addresses = 1024, ports = 1024 },
    { addresses = 8192, ports = 1024 },
    { addresses = 16384, ports = 1024 },
}
local rate_percent = 100
local seconds = 60 -- longer than the meter's idle timeout
local pause_ms = 2000
local size = 64
local destination_mac = "02:00:00:00:00:02"
local results = os.getenv("PKTGEN_RESULTS") or "pktgen_flows.csv"

local function address(number)
    return string.format("10.%d.%d.%d", number // 65536 % 256, number // 256 % 256, number % 256)
end

local function set_up(step)
    pktgen.stop(port)
    pktgen.clr()
    pktgen.set(port, "count", 0)
    pktgen.set(port, "rate", rate_percent)
    pktgen.set(port, "size", size)
    pktgen.set_proto(port, "udp")
    pktgen.range.dst_mac(port, "start", destination_mac)
    pktgen.range.src_ip(port, "start", address(1))
    pktgen.range.src_ip(port, "min", address(1))
    pktgen.range.src_ip(port, "max", address(step.addresses))
    pktgen.range.src_ip(port, "inc", "0.0.0.1")
    pktgen.range.dst_ip(port, "start", "172.16.0.1")
    pktgen.range.dst_ip(port, "min", "172.16.0.1")
    pktgen.range.dst_ip(port, "max", "172.16.0.1")
    pktgen.range.dst_ip(port, "inc", "0.0.0.0")
    pktgen.range.src_port(port, "start", 1024)
    pktgen.range.src_port(port, "min", 1024)
    pktgen.range.src_port(port, "max", 1023 + step.ports)
    pktgen.range.src_port(port, "inc", 1)
    pktgen.range.dst_port(port, "start", 53)
    pktgen.range.dst_port(port, "min", 53)
    pktgen.range.dst_port(port, "max", 53)
    pktgen.range.dst_port(port, "inc", 0)
    pktgen.range.pkt_size(port, "start", size)
    pktgen.range.pkt_size(port, "min", size)
    pktgen.range.pkt_size(port, "max", size)
    pktgen.range.pkt_size(port, "inc", 0)
    pktgen.set_range(port, "on")
end

local function sent_packets()
    return pktgen.portStats(port, "port")[tonumber(port)].opackets
end

local function run(step, file)
    set_up(step)
    pktgen.delay(pause_ms)
    local before = sent_packets()
    pktgen.start(port)
    pktgen.delay(seconds * 1000)
    pktgen.stop(port)
    pktgen.delay(pause_ms)
    local sent = sent_packets() - before
    local flows = step.addresses * step.ports
    local line = string.format("%d,%d,%.3f", flows, sent, sent / seconds / 1e6)
    print(line)
    file:write(line .. "\n")
    file:flush()
end

local file = assert(io.open(results, "w"))
file:write("flows,packets_sent,mpps\n")
for _, step in ipairs(steps) do
    run(step, file)
end
file:close()
pktgen.quit()
