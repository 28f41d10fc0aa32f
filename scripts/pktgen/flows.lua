-- Pktgen-DPDK: 64-octet frames at line rate with more and more flows, from 1 to 16 million: where do
-- the caches of the meter end? One flow is one source address and port to one destination.
--
-- start:  pktgen -l 0-4 -n 4 -a 0000:17:00.0 -- -P -m "[1-4].0" -f scripts/pktgen/flows.lua

-- steady.lua stands beside this file, wherever Pktgen was started.
package.path = (debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "?.lua;" .. package.path
local steady = require("steady")

local steps = {
    { size = 64, addresses = 1, ports = 1 },
    { size = 64, addresses = 16, ports = 64 },
    { size = 64, addresses = 64, ports = 1024 },
    { size = 64, addresses = 1024, ports = 1024 },
    { size = 64, addresses = 8192, ports = 1024 },
    { size = 64, addresses = 16384, ports = 1024 },
}
local seconds = 60 -- longer than the meter's idle timeout
local results = os.getenv("PKTGEN_RESULTS") or "pktgen_flows.csv"

local function flows_of(step)
    return step.addresses * step.ports
end

steady.run(steps, seconds, "flows", flows_of, results)
