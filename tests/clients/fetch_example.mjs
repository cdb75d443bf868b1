// A film between two pictures with nothing but `fetch`: node fetch_example.mjs FIRST LAST
// URL and KEY come from the environment.
import { readFile, writeFile } from 'node:fs/promises';

const { URL: base, KEY: key } = process.env;
const headers = { Authorization: `Bearer ${key}` };
const [first, last] = process.argv.slice(2);

async function checked(response) {
  if (response.ok || response.status === 304) return response;
  const { error } = await response.json();
  throw new Error(`${response.status} ${error.code}: ${error.message}`);
}

// 1. Two files as a form. The key makes it safe to send again.
const form = new FormData();
form.set('first_frame', new Blob([await readFile(first)], { type: 'image/png' }), 'first.png');
form.set('last_frame', new Blob([await readFile(last)], { type: 'image/png' }), 'last.png');
form.set('prompt', 'The cat looks up');
const order = { method: 'POST', headers: { ...headers, 'Idempotency-Key': 'order-4711' }, body: form };
const made = await checked(await fetch(`${base}/v1/videos`, order));
let job = await made.json();
console.log(made.status, made.headers.get('Location') === `/v1/videos/${job.id}`, job.status);

// 2. Wait. The answer comes when the job has ended, or after 20 seconds; 304 says that nothing changed.
// Few may wait at once: whoever is answered early waits on its own.
let etag = '';
const counts = {};
while (job.status === 'queued' || job.status === 'in_progress') {
  const asked = await checked(
    await fetch(`${base}/v1/videos/${job.id}`, {
      headers: { ...headers, Prefer: 'wait=20', 'If-None-Match': etag },
    }),
  );
  counts[asked.status] = (counts[asked.status] ?? 0) + 1;
  if (asked.status === 200) {
    job = await asked.json();
    etag = asked.headers.get('ETag') ?? '';
  }
  if (!asked.headers.has('Preference-Applied')) await new Promise(done => setTimeout(done, 2000));
}
console.log(job.status, job.progress, job.size);
console.error(JSON.stringify(counts));

// 3. The film: a redirect to a signed link, in whole or in part.
const content = `${base}/v1/videos/${job.id}/content`;
const part = await checked(await fetch(content, { headers: { ...headers, Range: 'bytes=4-7' } }));
console.log(part.status, await part.text(), part.headers.get('Content-Range')?.split('/')[0]);
const film = await checked(await fetch(content, { headers }));
await writeFile('film.mp4', Buffer.from(await film.arrayBuffer()));
console.log(film.headers.get('Content-Type'), film.url.startsWith(base));
