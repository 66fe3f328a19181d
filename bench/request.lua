-- The request that wrk repeats, from the environment; prints what it measured for bench/run to read.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("BENCH_KEY")

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    "measured requests=%d micros=%d p50=%d p99=%d status=%d socket=%d",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
