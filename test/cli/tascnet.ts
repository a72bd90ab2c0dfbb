/** The command line as a person calls it. It is the built one: `npm test` builds first. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
export const DIGITS = fileURLToPath(new URL('../../demo/digits-0-4.onnx', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface CallOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Told of what comes on stderr, with a way to send a signal. */
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export function tascnet(args: readonly string[], options: CallOptions = {}): Promise<Ended> {
  return ended(process.execPath, [MAIN, ...args], options);
}

export function ended(command: string, args: readonly string[], options: CallOptions = {}): Promise<Ended> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, FORCE_COLOR: __, NO_COLOR: ___, ...environment } = process.env;
    const child = spawn(command, args, { cwd: options.cwd, env: { ...environment, ...options.env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
      options.onStderr?.(String(text), (signal) => child.kill(signal));
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr, seconds: (performance.now() - started) / 1000 }));
  });
}
