// The Vercel AI SDK asked for a film between two frames: MODEL, URL and KEY come from the environment.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { MODEL: model, URL: base, KEY: key, PACKAGES: packages, FIRST: first, LAST: last } = process.env;
const installed = createRequire(pathToFileURL(`${packages}/package.json`));
const load = name => import(pathToFileURL(installed.resolve(name)));
const { createAlibaba } = await load('@ai-sdk/alibaba');
const { experimental_generateVideo: generateVideo } = await load('ai');

globalThis.AI_SDK_LOG_WARNINGS = false; // they are printed below
const alibaba = createAlibaba({ apiKey: key, videoBaseURL: base });
const versions = ['@ai-sdk/alibaba', 'ai'].map(name => installed(`${name}/package.json`).version);
try {
  const { videos, warnings } = await generateVideo({
    model: alibaba.video(model),
    prompt: 'rain',
    frameImages: [
      { frameType: 'first_frame', image: first },
      { frameType: 'last_frame', image: last },
    ],
    maxRetries: 0,
    download: async () => ({ data: new Uint8Array([1]), mediaType: 'video/mp4' }),
  });
  console.log(JSON.stringify({ versions, videos: videos.length, warnings }));
} catch (error) {
  console.log(JSON.stringify({ versions, error: error.name, message: error.message }));
}
