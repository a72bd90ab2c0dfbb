import { spawnSync } from 'node:child_process';

/** Why a binary does not load in this Node, or undefined where it does. In a process of its own, which may crash. */
export function loads(path) {
  const program = 'process.dlopen({ exports: {} }, process.argv[1])';
  const { status, signal, stderr, error } = spawnSync(process.execPath, ['-e', program, path], {
    encoding: 'utf8',
    timeout: 60_000,
    // Electron's own binary is Node with this.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  if (status === 0) return undefined;
  return error?.message ?? stderr.match(/^Error: (.*)$/m)?.[1] ?? `it ended with ${signal ?? `exit code ${status}`}`;
}
