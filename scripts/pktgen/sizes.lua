-- Pktgen-DPDK: one port sends UDP of 1,024 flows at line rate in every frame size of RFC 2544, half
-- a minute each. What arrived is what `tapmeter bench -i ... --external` says on the other machine.
--
-- start:  pktgen -l 0-4 -n 4 -a 0000:17:00.0 -- -P -m "[1-4].0" -f scripts/pktgen/sizes.lua
-- A port counts frames with their FCS, as RFC 2544 does.

-- steady.lua stands beside this file, wherever Pktgen was started.
package.path = (debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "?.lua;" .. package.path
local steady = require("steady")

local sizes = { 64, 128, 256, 512, 1024, 1280, 1518 }
local seconds = 30
local results = os.getenv("PKTGEN_RESULTS") or "pktgen_sizes.csv"

-- 32 addresses by 32 ports: enough for RSS to spread, few enough to stay in a cache.
local steps = {}
for _, size in ipairs(sizes) do
    table.insert(steps, { size = size, addresses = 32, ports = 32 })
end

local function size_of(step)
    return step.size
end

steady.run(steps, seconds, "frame_octets", size_of, results)
