#!/usr/bin/env node
// approve does what a person does in the browser after `touchmark login`: opens
// the verification address with the user code, signs in and consents.
//
//   node approve.mjs ISSUER USER_CODE PERSON
//   node approve.mjs VERIFICATION_URI_COMPLETE PERSON
//
// With --deny for a person, nobody signs in and the answer is no. It exits 0 when the provider says that the device
// is signed in, or that it will not be. The browser is
// reduced to what the provider's pages need: cookies, redirects, one form a page.

const STEPS = 20; // pages and redirects that a sign-in may take, with room to spare

class Browser {
  #cookies = new Map();

  async open(url, form) {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form,
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  #keep(line) {
    const [pair] = line.split(';');
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value) this.#cookies.set(name, value);
    else this.#cookies.delete(name);
  }
}

const attribute = (tag, name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];

// unescape undoes what the pages escape in attributes.
const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<')
  .replaceAll('&gt;', '>').replaceAll('&amp;', '&');

// formOf reads the page's form: where it goes and what it would send, with the
// given answers filled in. It returns undefined for a page without a form.
function formOf(page, base, answers) {
  const form = page.match(/<form\b[^>]*>/)?.[0];
  if (!form) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of page.matchAll(/<input\b[^>]*>/g)) {
    const name = attribute(input, 'name');
    fields.set(name, answers[name] ?? unescape(attribute(input, 'value') ?? ''));
  }
  return { action: new URL(unescape(attribute(form, 'action')), base), fields };
}

const textOf = (page) => page.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();

async function approve(start, answers) {
  const browser = new Browser();
  let url = start;
  let form;
  let denied = false;
  for (let step = 0; step < STEPS; step += 1) {
    const response = await browser.open(url, form);
    const location = response.headers.get('location');
    form = undefined;
    if (location) {
      url = new URL(location, url);
      continue;
    }
    const page = await response.text();
    if (denied) return textOf(page);
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${textOf(page)}`);
    const next = formOf(page, url, answers);
    if (!next) return textOf(page);
    if (/class="red"/.test(page)) throw new Error(`the provider refused: ${textOf(page)}`);
    [url, form] = [next.action, next.fields];
    denied = answers.deny && form.has('confirm');
    if (denied) form.set('abort', 'yes');
  }
  throw new Error(`no end after ${STEPS} pages; last was ${url}`);
}

const args = process.argv.slice(2);
if (args.length === 3) {
  const [issuer, code, person] = args;
  args.splice(0, 3, `${issuer.replace(/\/$/, '')}/device?user_code=${encodeURIComponent(code)}`, person);
}
if (args.length !== 2) {
  console.error('usage: approve.mjs ISSUER USER_CODE PERSON|--deny | approve.mjs VERIFICATION_URI_COMPLETE PERSON|--deny');
  process.exit(2);
}
try {
  const deny = args[1] === '--deny';
  console.log(await approve(new URL(args[0]), { login: args[1], password: 'any', deny }));
} catch (error) {
  console.error(`approve: ${error.message}`);
  process.exit(1);
}
