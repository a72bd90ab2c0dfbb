#!/usr/bin/env node
import module from 'node:module';
import { ExitCode } from '../errors.js';

// From Node 22 on, later starts take half the time.
module.enableCompileCache?.();

// A reader that has seen enough (`tascnet inspect m.onnx | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? ExitCode.done : ExitCode.failed);
});
process.stderr.on('error', () => {});

const { cli } = await import('./cli.js');
const code = await cli(process.argv.slice(2));
// TensorFlow's threads would keep the process; what was written must leave it first.
process.stdout.write('', () => process.exit(code));
