// Puts .gz and .br files beside what was built, and sees to it that it stays small.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** All scripts and style sheets together, as browsers get them: compressed by Brotli. */
const BYTES_MAX = 500_000;

const dist = new URL('../dist/', import.meta.url);
let total = 0;
for (const name of await readdir(new URL('assets/', dist))) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const file = new URL(`assets/${name}`, dist);
  const content = await readFile(file);
  const gzip = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });
  await writeFile(new URL(`${file.href}.gz`), gzip);
  const brotli = brotliCompressSync(content);
  await writeFile(new URL(`${file.href}.br`), brotli);
  if (/\.(js|css)$/.test(name)) total += brotli.length;
}
console.log(`scripts and styles: ${total} bytes compressed, of ${BYTES_MAX}`);
if (total > BYTES_MAX) process.exit(1);
