// The stand-in's faults, chosen by STANDIN_FAULT and by the file ~/.openclaw/standin-fault. The
// file wins if both name the same fault.
import { readFileSync } from "node:fs";
import { hostileLog } from "./hostile.mjs";
import { die, info } from "./log.mjs";
import { FOLDER, maintenanceRequired } from "./settings.mjs";

const EXIT_USAGE = 64;
const FLOOD_TICK = 20;
const MEBIBYTE = 1024 * 1024;

// Each fault's arguments, with their defaults.
const DEFAULTS = {
  crash: [1],
  "crash-after": [20, 1],
  "never-healthy": [],
  "never-ready": [],
  "no-greeting": [],
  "refuse-token": [],
  silent: [],
  "slow-start": [5],
  "ignore-sigterm": [],
  flood: [1000],
  "hostile-log": [],
  "npm-missing": [],
  "leak-token": [],
  "eat-memory": [100],
};

// Returns a map from the fault's name to its arguments.
export function readFaults() {
  const specs = `${process.env.STANDIN_FAULT ?? ""}\n${readFile()}`.split(/[\s,]+/).filter(Boolean);
  return new Map(specs.map(parse));
}

function readFile() {
  try {
    return readFileSync(`${FOLDER}/standin-fault`, "utf8");
  } catch {
    return "";
  }
}

function parse(spec) {
  const [name, ...given] = spec.split(":");
  const defaults = DEFAULTS[name];
  if (!defaults) {
    die(EXIT_USAGE, `stand-in: there is no fault “${name}”; there are: ${Object.keys(DEFAULTS).join(", ")}.`);
  }
  if (given.length > defaults.length || !given.every((argument) => /^\d+$/.test(argument))) {
    die(EXIT_USAGE, `stand-in: “${spec}” is not understood; “${[name, ...defaults].join(":")}” would be.`);
  }
  return [name, defaults.map((value, index) => Number(given[index] ?? value))];
}

export function dieAtOnce(faults) {
  if (faults.has("crash")) crash(...faults.get("crash"));
  // The crash loop of the real gateway without npm, once a provider's key is set.
  if (faults.has("npm-missing")) maintenanceRequired("Command failed during launch or output capture (ENOENT)", "ENOENT");
}

const crash = (code) => die(code, `Gateway failed to start: the stand-in was told to exit with ${code}.`);

// Faults that begin once the gateway is up.
export function misbehave(faults, settings) {
  const starters = {
    "crash-after": (seconds, code) => setTimeout(() => crash(code), seconds * 1000),
    "hostile-log": () => process.stdout.write(hostileLog()),
    "leak-token": () => leakSecrets(settings),
    flood,
    "eat-memory": eatMemory,
  };
  for (const [name, given] of faults) starters[name]?.(...given);
}

// Print all lines that are due, so that the rate holds even if the timer is late.
function flood(linesPerSecond) {
  const start = performance.now();
  let written = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - start) / 1000) * linesPerSecond);
    // At most one second's lines, if the reader was slower.
    const last = Math.min(due, written + linesPerSecond);
    let lines = "";
    while (written < last) lines += `flood line ${String(++written).padStart(9, "0")} of the stand-in gateway\n`;
    process.stdout.write(lines);
  }, FLOOD_TICK);
}

// In every form in which a program is likely to leak them.
function leakSecrets({ port, token }) {
  const key = process.env.OPENROUTER_API_KEY ?? "";
  info("gateway", `OPENCLAW_GATEWAY_TOKEN=${token} OPENROUTER_API_KEY=${key}`);
  info("gateway", `Dashboard: http://127.0.0.1:${port}/#token=${token}`);
  info("gateway", `config ${JSON.stringify({ auth: { token }, env: { OPENROUTER_API_KEY: key } })}`);
  info("openrouter", `POST /api/v1/chat/completions Authorization: Bearer ${key}`);
  info("gateway", `coloured \u001b[1m${token}\u001b[0m and quoted '${key}'`);
}

function eatMemory(mebibytesPerSecond) {
  if (!hasMemoryLimit()) die(EXIT_USAGE, "stand-in: eat-memory needs a memory limit, or it would eat the host's.");
  const eaten = [];
  setInterval(() => eaten.push(Buffer.alloc((mebibytesPerSecond * MEBIBYTE) / 10, 1)), 100);
}

// Control groups version 2, then version 1, where no limit is a number near 2^63.
function hasMemoryLimit() {
  for (const file of ["memory.max", "memory/memory.limit_in_bytes"]) {
    try {
      return Number(readFileSync(`/sys/fs/cgroup/${file}`, "utf8")) < 2 ** 50;
    } catch {
      continue;
    }
  }
  return false;
}
