// Preloaded into the Node programs that a trial starts: at their end they leave the peak of their resident memory, in
// bytes, in the file that BENCH_PEAKS names.
const { appendFileSync, readFileSync } = require('node:fs');

function peakBytes() {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (found) return Number(found[1]) * 1024;
  } catch {
    // There is no such file outside Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

if (process.env.BENCH_PEAKS) process.on('exit', () => appendFileSync(process.env.BENCH_PEAKS, `${peakBytes()}\n`));

module.exports = { peakBytes };
