/** Errors as a person sees them: one sentence and what to do about it. */

import { ExitCode, isOfSystem, messageOf, TascnetError } from '../errors.js';
import { painter } from './color.js';
import { printable } from './output.js';

/** Prints `error` on stderr and gives its exit code. The stack is shown with TASCNET_DEBUG=1 only. */
export function reportFailure(error: unknown): ExitCode {
  const paint = painter(process.stderr);
  const line = (text: string) => process.stderr.write(`${text}\n`);
  // A refusal that was not expected names its file only in the system's own words.
  const words = isOfSystem(error) ? error.message : messageOf(error);
  const message = printable(words.replaceAll('\n', ' '));
  line(`${paint('red', 'tascnet:')} ${message}`);
  const isExpected = error instanceof TascnetError;
  if (isExpected && error.hint !== undefined) line(printable(error.hint));
  if (isOfSystem(error)) line('Check that the disk is not full and that you may read and write there.');
  else if (!isExpected) {
    line('This is a defect of tascnet: please report it, with what TASCNET_DEBUG=1 shows.');
  }
  if (process.env.TASCNET_DEBUG === '1' && error instanceof Error) {
    line(error.stack ?? '');
    if (error.cause instanceof Error) line(`caused by: ${error.cause.stack ?? error.cause.message}`);
  }
  return isExpected ? error.exitCode : ExitCode.failed;
}
