/** What a rule of clashes is, and what it says of two steps that cannot stand together. */

import type { Member, MemberStep } from "./members.ts";

/** What makes a clash go: parameters at 0, a spec without a member, or members in another order. */
export type Remedy =
  | { readonly off: readonly string[]; readonly of: Member }
  | { readonly without: Member }
  | { readonly order: readonly Member[] };

/** Why a step and one behind it cannot stand together. */
export interface Refusal {
  /** `combine`: a spec cannot have both; `choose`: nor need it; `run`: the later cannot run after the earlier. */
  readonly deed: "combine" | "choose" | "run";
  /** What of the earlier one clashes, behind its name: ` with …`. */
  readonly how?: string;
  readonly why: string;
  readonly remedy: Remedy;
  /** Whether only what is decoded meets it, so that the end of a prompt does not. */
  readonly onlyDecoding?: true;
}

/** A kind of clash between a step and one behind it among the variants of a spec; null: they have none of it. */
export type Rule = (
  before: MemberStep,
  after: MemberStep,
  members: readonly Member[],
) => Refusal | null;

/** A parameter of a step at 0, or the spec without `otherwise` where no parameter says so. */
export const turnOff = (
  amount: unknown,
  { of, otherwise }: { readonly of: MemberStep; readonly otherwise: MemberStep },
): Remedy =>
  typeof amount === "string" ? { off: [amount], of: of.member } : { without: otherwise.member };
