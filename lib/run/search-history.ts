/** What a search found, read from its folder. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TascnetError } from '../errors.js';
import { readJournal } from '../journal.js';
import { type SearchHistory, searchHistory } from '../search/history.js';
import { searchFolder } from './search-run.js';

/**
 * @param place the folder of a run or a search, the model that a search left, or a journal.
 * @throws TascnetError when there is no journal, or no search in it.
 */
export async function historyIn(place: string): Promise<SearchHistory> {
  const folder = /\.onnx$/i.test(place) ? searchFolder(place) : place;
  const path = (await kindOf(folder)) === 'file' ? folder : join(folder, 'journal.jsonl');
  if ((await kindOf(path)) !== 'file')
    throw new TascnetError(`"${place}" holds no search: there is no ${path}.`, {
      hint: 'Give the folder of "tascnet run --out", or the one that "tascnet search" left beside its model.',
    });
  const history = searchHistory(readJournal(path));
  if (history.trials.length > 0) return history;
  throw new TascnetError(`The search in "${place}" has no finished trial yet.`);
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && (found.isDirectory() ? 'folder' : 'file');
}
