/** Kinds of pruning that the charts tell apart, by the steps of a spec. */

/** A family: its name, its colour's variable in the charts, and its mark. */
export interface Family {
  readonly name: string;
  readonly shape: string;
}

/** In the order of legends and tables. */
export const FAMILIES: readonly Family[] = [
  { name: "rows", shape: "square" },
  { name: "channels", shape: "triangle-up" },
  { name: "rows, channels", shape: "triangle-down" },
  { name: "codes", shape: "circle" },
  { name: "channels, codes", shape: "cross" },
  { name: "rows, codes", shape: "diamond" },
  { name: "think_bits", shape: "circle" },
  { name: "rows, think_bits", shape: "diamond" },
];

const CHANNELS = [
  ...["think", "think_values", "think_mass", "spark"],
  ...["leank", "key_norm_channels", "random_channels"],
];

/** What a step is, by its variant. */
function kindOf(step: string): string {
  const name = step.split(":")[0]!;
  if (name === "think_bits") return name;
  if (name === "kivi" || name === "rotated") return "codes";
  return CHANNELS.includes(name) ? "channels" : "rows";
}

/** The family of a spec; rows, channels and codes at once count as rows and codes. */
export function familyOf(spec: string): string {
  const kinds = [...new Set(spec.split("+").map(kindOf))];
  return kinds.length === 3 ? "rows, codes" : kinds.join(", ");
}
