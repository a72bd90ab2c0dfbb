/**
 * The errors that a person sees. Anything thrown on purpose is a `TascnetError`: the command line prints its message
 * and hint without a stack trace and ends with its exit code. Any other error is a defect of ours.
 */

/** Exit codes of the command line; documented in the README. */
export const ExitCode = {
  /** Everything that was asked for was done. */
  done: 0,
  /** The work failed: bad input, a full disk, a defect. */
  failed: 1,
  /** The command line itself was wrong: unknown option, missing value. */
  usage: 2,
  /** The work finished, but a target (accuracy, MACs, parameters, latency) was missed. */
  targetMissed: 3,
  /** Stopped by Ctrl-C after a checkpoint; `--resume` goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An error for the person: one sentence that says what was wrong, where, and what was expected. */
export class TascnetError extends Error {
  override readonly name: string = 'TascnetError';
  /** What to do about it, as a sentence. */
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: { hint?: string; cause?: unknown; exitCode?: ExitCode } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.failed;
  }
}

/** The work was stopped by the caller's `AbortSignal`. */
export class Interrupted extends TascnetError {
  override readonly name = 'Interrupted';
  constructor(message = 'Interrupted.') {
    super(message, { exitCode: ExitCode.interrupted });
  }
}

/** Throws `Interrupted` when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Interrupted();
}

/** The message of anything that was thrown; of a system's refusal the reason alone: "no such file or directory". */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const refusal = isOfSystem(error) ? /^[A-Z0-9]+: (.*), \w+(?: '.*)?$/s.exec(error.message) : undefined;
  return refusal?.[1] ?? error.message;
}

/** Whether an error is a refusal of the operating system: a full disk, missing permissions. */
export function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'errno' in error;
}
