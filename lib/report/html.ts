/** Text into HTML: names of classes and files come from strangers. */

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A table with a header row; the cells are text. Columns of words stand left, those of numbers right. */
export function table(header: string[], rows: string[][]): string {
  const words = header.map((_, column) => rows.some((row) => !/^(–|[-+]?\d.*)$/.test(row[column] ?? '')));
  const cells = (row: string[], tag: 'td' | 'th') =>
    row.map((cell, column) => `<${tag}${words[column] ? ' class="words"' : ''}>${escapeHtml(cell)}</${tag}>`).join('');
  return `<table><thead><tr>${cells(header, 'th')}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table>`;
}

/** A page that needs nothing but itself. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1120px; margin: 2rem auto; padding: 0 1rem; color: #1b1e23; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; } th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d8dce2; }
.words { text-align: left; overflow-wrap: break-word; } td:not(.words), td:first-child { white-space: nowrap; } svg { max-width: 100%; height: auto; }
.met { color: #2a7d3c; } .missed { color: #b3261e; } .note { color: #5b6470; } code { background: #f1f3f5; padding: 0 .25rem; }
</style></head><body>
${body}
</body></html>
`;
}
