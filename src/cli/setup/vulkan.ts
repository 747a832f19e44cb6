/**
 * A graphics driver in software for WebGPU: the command that installs it on this machine, run where that
 * needs nobody's password. Graphics cards have drivers of their own, which are the system's to install.
 */

import { runCommand } from "../../sys/command.ts";

/** Package managers and what they call Mesa's Vulkan drivers, lavapipe among them. */
const MANAGERS: readonly (readonly [string, string])[] = [
  ["apt-get", "apt-get install -y mesa-vulkan-drivers"],
  ["dnf", "dnf install -y mesa-vulkan-drivers"],
  ["pacman", "pacman -S vulkan-swrast"],
  ["zypper", "zypper install libvulkan_lvp"],
  ["apk", "apk add mesa-vulkan-swrast vulkan-loader"],
];

/** How to get the driver. */
export interface VulkanInstall {
  /** What to type, with sudo unless this is root. */
  readonly command: string;
  /** Installs it; undefined where it takes a person. Resolves to what failed. */
  readonly run: (() => Promise<string | undefined>) | undefined;
}

/**
 * The command for this machine. Only apt-get as root is run: elsewhere the command is for the person.
 *
 * @param has whether a program is on the PATH
 */
export function vulkanInstall(
  { has, uid }: { readonly has: (program: string) => boolean; readonly uid: number | null },
): VulkanInstall | undefined {
  const found = MANAGERS.find(([program]) => has(program));
  if (found === undefined) return undefined;
  const [program, line] = found;
  const isRoot = uid === 0;
  const command = isRoot ? line : `sudo ${line}`;
  return { command, run: isRoot && program === "apt-get" ? () => aptGet(line) : undefined };
}

async function aptGet(line: string): Promise<string | undefined> {
  const [program, ...args] = line.split(" ");
  // The lists of a fresh container are empty.
  for (const words of [["update"], args]) {
    const { code, stdout, stderr } = await runCommand(program!, words, {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    if (code !== 0) return (stderr.trim() || stdout.trim()).split("\n").slice(-3).join("\n");
  }
  return undefined;
}
