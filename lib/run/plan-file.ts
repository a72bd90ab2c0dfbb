import { rename, rm, writeFile } from 'node:fs/promises';
import { messageOf, TascnetError } from '../errors.js';
import type { Plan } from '../surgery/plan.js';

/** Writes what surgery did as JSON, whole or not at all. @throws TascnetError when it cannot be written. */
export async function writePlan(path: string, plan: Plan): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(plan, null, 2)}\n`);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new TascnetError(`The plan ${path} cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}
