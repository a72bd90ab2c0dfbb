import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What collects garbage at once: V8 gives it to contexts that are made where the flag is set, whenever that is. */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
