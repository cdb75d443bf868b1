const form = document.querySelector('form');
const headers = { Authorization: `Bearer ${form.dataset.key}` };
const pause = ms => new Promise(done => setTimeout(done, ms));

async function ask(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { ...headers, ...options.headers } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return { job: body, after: Number(answer.headers.get('openai-poll-after-ms') ?? 2000) };
}

async function makeFilm(body) {
  // The same key on every try: a lost answer is asked for again, never paid again.
  const post = { method: 'POST', body, headers: { 'Idempotency-Key': crypto.randomUUID() } };
  const lost = async error => (error instanceof TypeError ? ask(form.action, post) : Promise.reject(error));
  let { job, after } = await ask(form.action, post).catch(lost);
  while (job.status === 'queued' || job.status === 'in_progress') {
    form.querySelector('output').value = `${job.stage} ${job.progress} %`;
    await pause(after);
    ({ job, after } = await ask(`${form.action}/${job.id}`));
  }
  if (job.status !== 'completed') throw new Error(job.error?.message ?? job.status);
  return job;
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  try {
    const film = await makeFilm(new FormData(form)); // the inputs' names are the API's fields
    document.querySelector('video').src = film.url; // a signed link: plays and seeks without a key
    form.querySelector('output').value = film.size;
  } catch (error) {
    form.querySelector('output').value = error.message;
  }
});
