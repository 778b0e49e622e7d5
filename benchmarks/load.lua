-- What wrk sends and prints.  wrk ... -s load.lua URL -- [FILE]
--
-- FILE holds the bytes of one request, sent as they are; without it wrk sends its own
-- request.  Either way the bytes are made once, before the run (wrk.request is not
-- overridden), so that the load generator's Lua costs nothing while it runs.
-- The last line printed is JSON, times in microseconds.

function init(args)
   if args[1] then
      local file = assert(io.open(args[1], "rb"))
      local bytes = file:read("*a")
      file:close()
      wrk.format = function() return bytes end
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
