-- What wrk sends and prints.  wrk ... -s load.lua URL -- [FILE]
--
-- FILE holds the bytes of one request, sent as they are, or of several, with a NUL between them,
-- which are sent in turn; without it wrk sends its own request.  One request is made once, before
-- the run (wrk.request is not overridden), so that the load generator's Lua costs nothing while it
-- runs; with several it picks a string.
-- The last line printed is JSON, times in microseconds.

function init(args)
   if args[1] then
      local file = assert(io.open(args[1], "rb"))
      local bytes = file:read("*a")
      file:close()
      local list = {}
      for one in bytes:gmatch("[^%z]+") do list[#list + 1] = one end
      if #list == 1 then
         wrk.format = function() return bytes end
      else
         local at = 0
         request = function()
            at = at % #list + 1
            return list[at]
         end
      end
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '{"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, ' ..
      '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
      summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99),
      e.connect, e.read, e.write, e.timeout, e.status))
end
