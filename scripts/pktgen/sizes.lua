-- Pktgen-DPDK: one port sends UDP of 1,024 flows at line rate in every frame size of RFC 2544, half
-- a minute each. What was sent goes to the screen and into a file; what arrived is what
-- `tapmeter bench -i ... --external` says on the other machine.
--
-- start:  pktgen -l 0-4 -n 4 -a 0000:17:00.0 -- -P -m "[1-4].0" -f scripts/pktgen/sizes.lua
-- change: the values below. A port counts frames with their FCS, as RFC 2544 does.

local port = "0"
local sizes = { 64, 128, 256, 512, 1024, 1280, 1518 }
local rate_percent = 100
local seconds = 30
local pause_ms = 2000
local destination_mac = "02:00:00:00:00:02"
local results = os.getenv("PKTGEN_RESULTS") or "pktgen_sizes.csv"

local function set_up(size)
    pktgen.stop(port)
    pktgen.clr()
    pktgen.set(port, "count", 0) -- until told to stop
    pktgen.set(port, "rate", rate_percent)
    pktgen.set(port, "size", size)
    pktgen.set_mac(port, "dst", destination_mac)
    pktgen.set_proto(port, "udp")
    -- 32 addresses by 32 ports: enough for RSS to spread, few enough to stay in a cache.
    pktgen.range.dst_mac(port, "start", destination_mac)
    pktgen.range.src_ip(port, "start", "10.0.0.1")
    pktgen.range.src_ip(port, "min", "10.0.0.1")
    pktgen.range.src_ip(port, "max", "10.0.0.32")
    pktgen.range.src_ip(port, "inc", "0.0.0.1")
    pktgen.range.dst_ip(port, "start", "10.1.0.1")
    pktgen.range.dst_ip(port, "min", "10.1.0.1")
    pktgen.range.dst_ip(port, "max", "10.1.0.1")
    pktgen.range.dst_ip(port, "inc", "0.0.0.0")
    pktgen.range.src_port(port, "start", 1024)
    pktgen.range.src_port(port, "min", 1024)
    pktgen.range.src_port(port, "max", 1055)
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

local function run(size, file)
    set_up(size)
    pktgen.delay(pause_ms)
    local before = sent_packets()
    pktgen.start(port)
    pktgen.delay(seconds * 1000)
    pktgen.stop(port)
    pktgen.delay(pause_ms)
    local sent = sent_packets() - before
    local line = string.format("%d,%d,%.3f", size, sent, sent / seconds / 1e6)
    print(line)
    file:write(line .. "\n")
    file:flush()
end

local file = assert(io.open(results, "w"))
file:write("frame_octets,packets_sent,mpps\n")
for _, size in ipairs(sizes) do
    run(size, file)
end
file:close()
pktgen.quit()
