// Runs in the gateway's container as `node -e`: asks the provider for a short answer with the
// gateway's own key and network, and prints one line of JSON. Needs no package. The key is
// neither printed nor in an argument.
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");

const { ASK_BASE_URL, ASK_MODEL, ASK_NONCE, ASK_SECONDS, HOME, OPENCLAW_CONFIG_PATH, OPENROUTER_API_KEY } = process.env;
const DEFAULT_BASE_URL = "https://openrouter.ai/api/v1";
// Some models refuse a lower token limit.
const TOKENS = 16;
const LONGEST_BODY = 64 * 1024;
const begun = Date.now();
const heard = {};
let key = "";

function finish() {
  heard.milliseconds = Date.now() - begun;
  const hidden = (text) => (key ? String(text).replaceAll(key, "••••••••") : String(text));
  for (const name of ["baseUrl", "message"]) if (heard[name]) heard[name] = hidden(heard[name]).slice(0, 1000);
  process.stdout.write(`${JSON.stringify(heard)}\n`, () => process.exit(0));
}

// The file is JSON5 if people wrote it by hand; OpenClaw's image has the library.
function readConfig() {
  const text = readFileSync(OPENCLAW_CONFIG_PATH || `${HOME}/.openclaw/openclaw.json`, "utf8");
  try {
    return JSON.parse(text);
  } catch {
    return require("json5").parse(text);
  }
}

function configOrNull() {
  try {
    return readConfig();
  } catch (error) {
    if (error.code === "ENOENT") return {};
    return null;
  }
}

const resolved = (value) =>
  typeof value === "string" ? value.replace(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (whole, name) => process.env[name] || whole) : "";

// Like OpenClaw: the environment first, then the file. Keys in OpenClaw's own database are not
// found.
function findKey(config, provider) {
  const inFile = resolved(config?.env?.vars?.OPENROUTER_API_KEY ?? config?.env?.OPENROUTER_API_KEY) || resolved(provider?.apiKey);
  key = OPENROUTER_API_KEY || inFile;
  heard.keyFrom = OPENROUTER_API_KEY ? "environment" : "openclaw.json";
  if (key) heard.key = createHash("sha256").update(`${ASK_NONCE}${key}`).digest("hex");
}

// Without user, query and fragment, which may hold secrets.
function shown(url) {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`.replace(/\/+$/, "");
  } catch {
    return url.split(/[?#@]/)[0];
  }
}

// openrouter/auto is OpenRouter's own name; in other names the first part is OpenClaw's.
function apiModel(reference) {
  const rest = reference.slice("openrouter/".length);
  return rest.includes("/") ? rest : reference;
}

async function ask(url, model) {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    redirect: "manual",
    signal: AbortSignal.timeout(ASK_SECONDS * 1000),
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "X-Title": "Deploy Agent" },
    body: JSON.stringify({ model, max_tokens: TOKENS, messages: [{ role: "user", content: "Reply with: ok" }] }),
  });
  heard.status = response.status;
  heard.retryAfter = response.headers.get("retry-after") ?? "";
  read(await bodyOf(response));
}

// Bounded, because the process shares the gateway's memory limit.
async function bodyOf(response) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > LONGEST_BODY) break;
  }
  return text;
}

// OpenRouter also sends errors with status 200.
function read(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return;
  }
  const error = body?.error ?? body?.choices?.[0]?.error;
  heard.isApi = Array.isArray(body?.choices) || Boolean(error);
  const message = error?.message ?? (typeof error === "string" ? error : body?.detail ?? body?.message);
  const behind = error?.metadata?.raw;
  if (message) heard.message = [message, behind].filter((each) => typeof each === "string").join(": ");
  if (heard.status === 200 && error) heard.status = Number.isInteger(error.code) ? error.code : 502;
}

function errorCode(error) {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "TIMEOUT";
  const inner = error.cause?.errors?.[0] ?? error.cause ?? error;
  return String(inner.code ?? error.code ?? error.name);
}

async function main() {
  const config = configOrNull();
  heard.config = config !== null;
  const provider = config?.models?.providers?.openrouter;
  const primary = config?.agents?.defaults?.model;
  // Without a configured model, OpenClaw uses a model of another provider.
  const model = config ? resolved(primary?.primary ?? primary) || "OpenClaw's default" : ASK_MODEL || "openrouter/auto";
  const url = (config ? resolved(provider?.baseUrl) : ASK_BASE_URL) || DEFAULT_BASE_URL;
  heard.model = model;
  heard.baseUrl = shown(url);
  heard.ownProxy = Boolean(config?.proxy?.enabled || provider?.request?.proxy);
  findKey(config, provider);
  if (!model.startsWith("openrouter/")) heard.error = "OTHER_PROVIDER";
  else if (!key) heard.error = "NO_KEY";
  else if (!/^https?:\/\//i.test(url)) heard.error = "NO_URL";
  else await ask(url.replace(/\/+$/, ""), apiModel(model));
}

// Ends the process even if a body never ends or a name server hangs.
setTimeout(() => {
  heard.error = "TIMEOUT";
  finish();
}, ASK_SECONDS * 1000 + 500);
main()
  .catch((error) => { heard.error = errorCode(error); })
  .then(finish);
