import { createContext, Script } from 'node:vm';

const room: { work?: (() => unknown) | undefined } = {};
const context = createContext(room);
const call = new Script('work()');

/**
 * What `work` returns, which must not be a promise. Where it runs longer it is ended, in the middle of a regular expression
 * as well: for what a file of somebody else decides the time of. Takes 0.06 ms more than the work.
 * @returns undefined when it was ended.
 */
export function withinTime<T>(milliseconds: number, work: () => T): { value: T } | undefined {
  room.work = work;
  try {
    return { value: call.runInContext(context, { timeout: milliseconds }) as T };
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return undefined;
    throw error;
  } finally {
    room.work = undefined;
  }
}
