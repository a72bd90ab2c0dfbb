/** From arguments to an exit code. */

import { ExitCode } from '../errors.js';
import { reportFailure } from './failure.js';
import { catchInterrupts } from './interrupt.js';
import { openOutput } from './output.js';
import { parse } from './parser.js';

/** @param argv what stands after `tascnet`. */
export async function cli(argv: readonly string[]): Promise<ExitCode> {
  try {
    const parsed = await parse(argv);
    if (!parsed) return ExitCode.done;
    const { entry, given, positionals } = parsed;
    const { resolve } = await import('../config/resolve.js');
    const { settings, sources } = resolve(entry.name, { commandLine: given });
    const output = openOutput({ json: settings.json, quiet: settings.quiet });
    const interrupts = catchInterrupts();
    const { openProgress } = await import('./progress.js');
    const progress = openProgress({ quiet: settings.quiet });
    try {
      const { action } = await entry.load();
      const { onEvent } = progress;
      return await action({
        settings: settings as never,
        sources,
        positionals,
        output,
        onEvent,
        signal: interrupts.signal,
      });
    } finally {
      progress.close();
      interrupts.release();
    }
  } catch (error) {
    return reportFailure(error);
  }
}
