// openai's package for Node, with base URL, key, model and a last frame: what test_openai_node.py reads.
import { createReadStream, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { URL: base, KEY: apiKey, PACKAGES: packages } = process.env;
const installed = createRequire(pathToFileURL(`${packages}/package.json`));
const { default: OpenAI } = await import(pathToFileURL(installed.resolve('openai')));
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey });
const [first, last] = process.argv.slice(2);
const print = value => console.log(JSON.stringify(value));

// The package sends fields that it does not know as they are, files too.
let video = await client.videos.create({
  model: 'wan2.2-kf2v-flash',
  prompt: 'rain',
  size: '1280x720',
  input_reference: createReadStream(first),
  last_frame: createReadStream(last),
});
print([video.object, video.seconds, video.size]);
while (video.status === 'queued' || video.status === 'in_progress') {
  await new Promise(done => setTimeout(done, 100));
  video = await client.videos.retrieve(video.id);
}
print([video.status, video.progress]);
const film = await client.videos.downloadContent(video.id);
await writeFile('film.mp4', Buffer.from(await film.arrayBuffer()));

const uri = `data:image/png;base64,${readFileSync(last).toString('base64')}`;
const order = { prompt: 'snow', input_reference: createReadStream(first), seconds: '8', last_frame: uri };
await client.videos.create(order).catch(error => print([error.constructor.name, error.code, error.param]));
print(await client.videos.delete(video.id).then(gone => gone.deleted));
