// Replicate's own check of a webhook: letters as JSON on standard input, one true or false a line.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const installed = createRequire(pathToFileURL(`${process.env.PACKAGES}/package.json`));
const { validateWebhook } = installed('replicate');
for (const { headers, body, secret } of JSON.parse(readFileSync(0, 'utf8'))) {
  const request = new Request('http://127.0.0.1/', { method: 'POST', headers, body });
  console.log(await validateWebhook(request, secret));
}
