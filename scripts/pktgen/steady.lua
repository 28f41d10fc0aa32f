-- What the Pktgen-DPDK scripts of this folder share: one port sends UDP of many flows at line rate,
-- step by step; what was sent goes to the screen and into a file.

local steady = {}

local port = "0"
local rate_percent = 100
local pause_ms = 2000
local destination_mac = "02:00:00:00:00:02"

-- An address is 10.0.0.0 plus its number.
local function address(number)
    return string.format("10.%d.%d.%d", number // 65536 % 256, number // 256 % 256, number % 256)
end

local function set_range(name, first, last, step)
    pktgen.range[name](port, "start", first)
    pktgen.range[name](port, "min", first)
    pktgen.range[name](port, "max", last)
    pktgen.range[name](port, "inc", step)
end

-- step: size in octets with FCS, addresses and ports of the sources; their product is the flows.
local function set_up(step)
    pktgen.stop(port)
    pktgen.clr()
    pktgen.set(port, "count", 0) -- until told to stop
    pktgen.set(port, "rate", rate_percent)
    pktgen.set(port, "size", step.size)
    pktgen.set_mac(port, "dst", destination_mac)
    pktgen.set_proto(port, "udp")
    pktgen.range.dst_mac(port, "start", destination_mac)
    set_range("src_ip", address(1), address(step.addresses), "0.0.0.1")
    set_range("dst_ip", "172.16.0.1", "172.16.0.1", "0.0.0.0")
    set_range("src_port", 1024, 1023 + step.ports, 1)
    set_range("dst_port", 53, 53, 0)
    set_range("pkt_size", step.size, step.size, 0)
    pktgen.set_range(port, "on")
end

local function sent_packets()
    return pktgen.portStats(port, "port")[tonumber(port)].opackets
end

-- Packets sent in so many seconds.
local function sent_in(step, seconds)
    set_up(step)
    pktgen.delay(pause_ms)
    local before = sent_packets()
    pktgen.start(port)
    pktgen.delay(seconds * 1000)
    pktgen.stop(port)
    pktgen.delay(pause_ms)
    return sent_packets() - before
end

-- Sends each step for so many seconds. Writes a line a step: name_of(step), packets sent, Mpps.
function steady.run(steps, seconds, heading, name_of, path)
    local file = assert(io.open(path, "w"))
    file:write(heading .. ",packets_sent,mpps\n")
    for _, step in ipairs(steps) do
        local sent = sent_in(step, seconds)
        local line = string.format("%d,%d,%.3f", name_of(step), sent, sent / seconds / 1e6)
        print(line)
        file:write(line .. "\n")
        file:flush()
    end
    file:close()
    pktgen.quit()
end

return steady
