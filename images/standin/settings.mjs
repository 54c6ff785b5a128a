// The gateway's settings: variables and ~/.openclaw/openclaw.json, with OpenClaw's own errors,
// wording and exit codes (measured on 2026.9.6).
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { die, timestamp, warn } from "./log.mjs";

export const FOLDER = `${process.env.HOME}/.openclaw`;
const FILE = `${FOLDER}/openclaw.json`;

const DEFAULT_PORT = 18789;
const EXIT_CONFIG = 78;
const BINDS = ["loopback", "lan", "tailnet", "auto", "custom"];
const REPAIR =
  "Stop the service with openclaw gateway stop (or its service owner), then run openclaw doctor --fix, " +
  "then start it again with openclaw gateway start.";

// `token` is null if no token is valid.
export function readSettings() {
  const { text, error } = readFile();
  makeStateFolder(error);
  if (error) invalidConfig(readFailure(error).replaceAll("\n", "\\n"));
  const gateway = parse(text).gateway ?? {};
  const bind = gateway.bind ?? "auto";
  if (!BINDS.includes(bind)) {
    die(1, `${timestamp()} Invalid --bind. Use "loopback", "lan", "tailnet", "auto", or "custom".`);
  }
  const port = Number(process.env.OPENCLAW_GATEWAY_PORT || gateway.port || DEFAULT_PORT);
  return {
    host: bind === "loopback" ? "127.0.0.1" : "0.0.0.0",
    port,
    token: readToken(gateway.auth?.token, bind),
    // A configured list replaces these two.
    allowedOrigins: gateway.controlUi?.allowedOrigins ?? [`http://localhost:${port}`, `http://127.0.0.1:${port}`],
  };
}

function readFile() {
  try {
    return { text: readFileSync(FILE, "utf8") };
  } catch (error) {
    return error.code === "ENOENT" ? { text: "{}" } : { error };
  }
}

// A file that exists but can't be read changes the exit code: OpenClaw then skips its migrations.
function makeStateFolder(readError) {
  try {
    mkdirSync(`${FOLDER}/state`, { recursive: true, mode: 0o700 });
    accessSync(`${FOLDER}/state`, constants.W_OK);
  } catch (error) {
    const what = error.code === "EACCES" ? "EACCES: permission denied" : "ENOENT: no such file or directory";
    const reason = `${what}, mkdir '${FOLDER}/state'`;
    if (readError) {
      console.error(readFailure(readError));
      die(1, `${timestamp()} Gateway failed to start: ${reason}. Run openclaw gateway status --deep for diagnostics.`);
    }
    maintenanceRequired(reason, what.split(":")[0]);
  }
}

export function maintenanceRequired(reason, code) {
  console.error(`${reason}\n[gateway] requires state migration. ${REPAIR}`);
  die(EXIT_CONFIG, `Gateway failed to start: ${reason} | gateway.maintenance_required | ${code}. ${REPAIR}`);
}

function readFailure(error) {
  return `read failed: ${error}

Config file is not readable by the current process. If running in a container
or 1-click deployment, fix ownership with:
  chown 1000 "${FILE}"
Then restart the gateway.`;
}

function invalidConfig(problem) {
  die(
    EXIT_CONFIG,
    `${timestamp()} Gateway failed to start: Invalid config at ${FILE}:
<root>: ${problem}
Run "openclaw doctor --fix" to repair, then retry.
If startup is still blocked, inspect the adjacent .bak backup before restoring it manually.`,
  );
}

// The file is JSON5: comments, trailing commas, bare keys. JSON5 is a subset of JavaScript, and
// only tests write this file.
function parse(text) {
  let value;
  try {
    value = runInNewContext(`(${text}\n)`);
  } catch {
    invalidConfig(`JSON5 parse failed: SyntaxError: JSON5: ${syntaxError(text)}`);
  }
  const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (kind !== "object") invalidConfig(`Invalid input: expected object, received ${kind}`);
  return value;
}

// Where parsing fails, in the wording of the JSON5 library.
function syntaxError(text) {
  let end = 0;
  while (end < text.length && couldContinue(text.slice(0, end + 1))) end++;
  const lines = text.slice(0, end).split("\n");
  const what = end < text.length ? `invalid character '${text[end]}'` : "invalid end of input";
  return `${what} at ${lines.length}:${lines.at(-1).length + 1}`;
}

function couldContinue(start) {
  try {
    JSON.parse(start);
    return true;
  } catch ({ message }) {
    return message.includes("end of JSON input") || message.includes(`at position ${start.length} `);
  }
}

// The file's token wins. If it names a missing variable, the gateway starts with a token that
// nobody knows; without any token it does not start.
function readToken(written, bind) {
  if (!written) return process.env.OPENCLAW_GATEWAY_TOKEN || withoutAuth(bind);
  const token = String(written).replace(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (reference, name) => process.env[name] || reference);
  if (!token.includes("${")) return token;
  warn(
    "gateway",
    "auth token was missing. Generated a runtime token for this startup without changing config; restart will " +
      "generate a different token. Persist one with `openclaw config set gateway.auth.mode token` and " +
      "`openclaw config set gateway.auth.token <token>`.",
  );
  return null;
}

function withoutAuth(bind) {
  // The *** is OpenClaw's: it masks its own hint.
  die(
    EXIT_CONFIG,
    `${timestamp()} Refusing to bind gateway to ${bind} without auth.
Container environment detected — the gateway defaults to bind=auto (0.0.0.0) for port-forwarding compatibility.
Set OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD, or pass --token/--password *** start with auth.`,
  );
}
