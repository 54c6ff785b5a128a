// Log lines as OpenClaw's console prints them: local time with its offset, subsystem in
// brackets; warnings and errors on standard error, all else on standard output.

export const info = (subsystem, text) => console.log(`${timestamp()} [${subsystem}] ${text}`);
export const warn = (subsystem, text) => console.error(`${timestamp()} [${subsystem}] ${text}`);

// Pipes are written synchronously on Linux, so the last lines are not lost.
export function die(code, words) {
  console.error(words);
  process.exit(code);
}

export function timestamp(now = new Date()) {
  const offset = -now.getTimezoneOffset();
  const local = new Date(now.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${local}${offset < 0 ? "-" : "+"}${twoDigits(hours)}:${twoDigits(minutes)}`;
}

const twoDigits = (number) => String(number).padStart(2, "0");
