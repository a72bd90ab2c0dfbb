/**
 * Labelled texts in folders: `DIR/class.txt` with a sentence a line, `DIR/class/*.txt` with a document each, either of them
 * also below `train/`, `val/` and `test/`; or a table for each of these splits.
 */

import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { messageOf, TascnetError } from '../errors.js';
import type { Skipped, Split } from './dataset.js';
import { type Labelled, splitNamed } from './folder.js';
import { readRows, refuse } from './rows.js';
import { listFolder, shown } from './scan.js';

/** A text with where it stands (`neg.txt:12`), its class and, where the source tells, its split. */
export interface LabelledText extends Labelled {
  text: string;
}

export interface TextSource {
  /** Real path of the folder that files are relative to. */
  root: string;
  skipped: Skipped[];
  onWarning: (message: string) => void;
}

const TABLES: readonly string[] = ['.csv', '.tsv'];

export function isTable(name: string): boolean {
  return TABLES.includes(extname(name).toLowerCase());
}

/** Reads the folder of a source. @throws TascnetError when it holds no labelled text. */
export async function readTextFolder(source: TextSource): Promise<LabelledText[]> {
  const { root, skipped } = source;
  const top = await listFolder(root, '', skipped);
  const tables = top.files.filter(isTable);
  const ofSplits = tables.filter((name) => splitNamed(stem(name)) !== undefined);
  if (ofSplits.length > 0) return inTurn(ofSplits, (name) => readTextTable(source, name, splitNamed(stem(name))));
  const [table, second] = tables;
  if (table !== undefined && second === undefined) return readTextTable(source, table, undefined);
  if (top.folders.includes('train') && !top.folders.some((name) => splitNamed(name) === undefined))
    return inTurn(top.folders, (folder) => readClasses(source, folder, splitNamed(folder)));
  return readClasses(source, '', undefined);
}

/**
 * Reads a table `text,label[,split]`; the text may also be called `sentence`.
 * @param split of all rows, where the file stands for one.
 * @throws TascnetError naming the lines that are wrong.
 */
export async function readTextTable(
  { root }: Pick<TextSource, 'root'>,
  file: string,
  split: Split | undefined,
): Promise<LabelledText[]> {
  const path = join(root, file);
  const { rows, columns, names } = await readRows(path, [['text', 'sentence'], ['label']], 'sentences');
  const [textColumn, labelColumn] = names;
  const hasSplit = split === undefined && columns.includes('split');
  const problems: string[] = [];
  const labelled = rows.map(({ line, record }): LabelledText => {
    const text = record[textColumn] ?? '';
    const className = record[labelColumn]?.trim() ?? '';
    const own = hasSplit ? splitNamed(record.split ?? '') : split;
    if (text.trim() === '') problems.push(`line ${line}: the text is empty`);
    else if (className === '') problems.push(`line ${line}: the label is empty`);
    else if (hasSplit && !own)
      problems.push(`line ${line}: the split ${shown(record.split ?? '')} is none of train, val, test`);
    return { file: `${file}:${line}`, text, className, split: own };
  });
  refuse(path, problems);
  return labelled;
}

/** Class folders, or where there are none, class files. */
async function readClasses(source: TextSource, at: string, split: Split | undefined): Promise<LabelledText[]> {
  const { root, skipped } = source;
  const { folders, files } = await listFolder(root, at, skipped);
  const within = (name: string) => (at === '' ? name : `${at}/${name}`);
  if (folders.length > 0) {
    for (const name of files)
      skipped.push({ file: within(name), reason: 'it lies beside the class folders, not in one' });
    return inTurn(folders, (name) => readDocuments(source, within(name), name, split));
  }
  // What has no ending or one of its own (rt-polarity.pos) holds sentences too, but not beside files that say so.
  const texts = files.filter((name) => extname(name).toLowerCase() === '.txt');
  const labelled = await inTurn(texts.length > 0 ? texts : files.filter((name) => !isTable(name)), (name) =>
    readLines(source, within(name), name.replace(/\.txt$/i, ''), split),
  );
  if (labelled.length === 0)
    throw new TascnetError(`The data folder ${shown(join(root, at))} holds no labelled sentences.`, {
      hint: 'Put the sentences of each class into a file of its own, one a line (DIR/class.txt), or give a CSV: text,label.',
    });
  return labelled;
}

/** What `read` gives of each name, one after the other. */
async function inTurn(
  names: readonly string[],
  read: (name: string) => Promise<LabelledText[]>,
): Promise<LabelledText[]> {
  const parts: LabelledText[][] = [];
  for (const name of names) parts.push(await read(name));
  return parts.flat();
}

/** Every .txt file of a class folder is one text. */
async function readDocuments(source: TextSource, at: string, className: string, split: Split | undefined) {
  const { folders, files } = await listFolder(source.root, at, source.skipped);
  for (const name of folders)
    source.skipped.push({ file: `${at}/${name}`, reason: 'it is a folder within a class folder' });
  const labelled: LabelledText[] = [];
  for (const name of files) {
    const file = `${at}/${name}`;
    if (extname(name).toLowerCase() !== '.txt') {
      source.skipped.push({ file, reason: 'its name does not end in .txt' });
      continue;
    }
    const text = await readText(source, file);
    if (text.trim() === '') source.skipped.push({ file, reason: 'it is empty' });
    else labelled.push({ file, text, className, split });
  }
  if (labelled.length === 0)
    throw new TascnetError(`The class folder ${shown(join(source.root, at))} holds no text.`, {
      hint: 'Put .txt files into it, or remove the folder.',
    });
  return labelled;
}

async function readLines(
  source: TextSource,
  file: string,
  className: string,
  split: Split | undefined,
): Promise<LabelledText[]> {
  const lines = (await readText(source, file)).split(/\r\n|\n|\r/);
  return lines.flatMap((text, index) =>
    text.trim() === '' ? [] : [{ file: `${file}:${index + 1}`, text, className, split }],
  );
}

/** A text of more bytes is no collection of sentences. */
const LARGEST_BYTES = 2 ** 28;

/** What Windows-1252 has from 0x80 to 0x9F, where Latin-1 has control characters. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** UTF-8, or what was usual before it. */
async function readText({ root, onWarning }: TextSource, file: string): Promise<string> {
  const path = join(root, file);
  const bytes = await readWhole(path);
  if (bytes.includes(0))
    throw new TascnetError(`${shown(path)} holds zero bytes: it is no text.`, {
      hint: 'Text in UTF-8 was expected; take the file out of the data folder if it does not belong there.',
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    onWarning(`${file} is not UTF-8, and was read as Windows-1252.`);
    // Node's own decoder of this name leaves the bytes from 0x80 to 0x9F as control characters.
    return Buffer.from(bytes)
      .toString('latin1')
      .replace(/[\x80-\x9f]/g, (byte) => WINDOWS_1252[byte.charCodeAt(0) - 0x80] ?? byte);
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST_BYTES) throw new Error(`it has ${size} bytes, more than ${LARGEST_BYTES}`);
    return await readFile(path);
  } catch (error) {
    throw new TascnetError(`The text ${shown(path)} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

function stem(name: string): string {
  return name.slice(0, -extname(name).length);
}
