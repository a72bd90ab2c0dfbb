import { writeText } from '../journal/whole-file.js';
import type { Plan } from '../surgery/plan.js';

/** Writes what surgery did as JSON, whole or not at all. @throws TascnetError when it cannot be written. */
export async function writePlan(path: string, plan: Plan): Promise<void> {
  await writeText(path, `${JSON.stringify(plan, null, 2)}\n`);
}
