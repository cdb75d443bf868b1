// Single calls with `fetch`, one printed line for each: what tests/clients/test_node.py looks at.
import { readFile } from 'node:fs/promises';

const { URL: base, KEY: key, STORY: story } = process.env;
const [first, last] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
const uri = async path => `data:image/png;base64,${(await readFile(path)).toString('base64')}`;
const post = async (body, more = {}) =>
  fetch(`${base}/v1/videos`, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: JSON.stringify(body),
  });
const order = { first_frame: await uri(first), last_frame: await uri(last), prompt: 'rain' };
const print = value => console.log(JSON.stringify(value));

const stories = {
  async json() {
    const made = await post(order);
    print([made.status, (await made.json()).object]);
  },
  async refused() {
    const answer = await post({ ...order, seconds: 10 });
    const { title, status, error } = await answer.json();
    print([answer.headers.get('Content-Type'), title, status, error.code, error.param]);
  },
  // The answer is lost on the way: fetch itself never sends a POST again, the caller does.
  async lost() {
    const key = { 'Idempotency-Key': 'order-4711' };
    const failed = await post(order, key).catch(error => error.name);
    const again = await post(order, key);
    const twice = await post(order, key);
    print([failed, again.status, again.headers.get('Idempotent-Replayed'), twice.status]);
  },
  async unchanged() {
    const { id } = await (await post(order)).json();
    const look = etag =>
      fetch(`${base}/v1/videos/${id}`, { headers: { ...headers, 'If-None-Match': etag } });
    const first = await look('""');
    const second = await look(first.headers.get('ETag'));
    print([first.status, second.status, (await second.text()).length]);
  },
  async cut() {
    const { id } = await (await post(order)).json();
    const content = await fetch(`${base}/v1/videos/${id}/content`, {
      headers,
      redirect: 'manual',
    });
    print([content.status, (await content.json()).error.code, content.headers.get('Retry-After')]);
  },
};
await stories[story]();
