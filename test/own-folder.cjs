// Whatever tests and the processes that they start leave in the folder for temporary files goes with the run.
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = () => {
  const { TMPDIR } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-tests-'));
  process.env.TMPDIR = folder;
  globalThis.removeTestFolder = () => {
    // In watch mode the next run begins in this process.
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    // Processes that a test started may still be ending.
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
};
