// The version of the state, like OpenClaw's: each start migrates an older state to its own
// version, and refuses the state of a newer version.
import { readFileSync, writeFileSync } from "node:fs";
import { die, timestamp } from "./log.mjs";
import { FOLDER } from "./settings.mjs";

export const VERSION = process.env.STANDIN_VERSION ?? "2026.9.6";

const FILE = `${FOLDER}/state/standin-version`;
const EXIT_CONFIG = 78;

export function migrateState() {
  const found = readVersion();
  if (found && isNewer(found, VERSION)) {
    die(EXIT_CONFIG, `${timestamp()} Gateway failed to start: the state is of ${found}, which ${VERSION} can't read.`);
  }
  if (found !== VERSION) writeFileSync(FILE, `${VERSION}\n`);
}

function readVersion() {
  try {
    return readFileSync(FILE, "utf8").trim();
  } catch {
    return "";
  }
}

function isNewer(one, other) {
  const parts = other.split(".").map(Number);
  const difference = one.split(".").map((part, index) => Number(part) - parts[index]).find((each) => each !== 0);
  return difference > 0;
}
