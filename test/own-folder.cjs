// Whatever tests and the processes that they start leave in the folder for temporary files goes with the run.
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-tests-'));
  process.env.TMPDIR = folder;
  globalThis.removeTestFolder = () => rmSync(folder, { recursive: true, force: true });
};
