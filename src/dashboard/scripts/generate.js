// Writes the types of the API from the document's snapshot, which a test of the gateway keeps true.
//
//   npm run generate          writes src/api/schema.d.ts
//   npm run generate:check    says whether it is what the document gives
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const snapshot = new URL(
  '../../../tests/admin/snapshots/admin__document__the_document_is_that_of_this_version.snap',
  import.meta.url,
);
const target = new URL('../src/api/schema.d.ts', import.meta.url);

// Above the second line of dashes stands what the snapshot is of.
const [, , document] = (await readFile(snapshot, 'utf8')).split(/^---\n/m);
const types = astToString(await openapiTS(document));
const text = `// Made by \`npm run generate\` from the document of the API.\n\n${types}`;

if (!process.argv.includes('--check')) {
  await writeFile(target, text);
} else if (text !== (await readFile(target, 'utf8'))) {
  console.error('src/api/schema.d.ts is not what the document gives: run `npm run generate`');
  process.exit(1);
}
