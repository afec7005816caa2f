/** Validators of the agent types there are; see `types.ts`. Where there are none, the type's JSON Schema is asked for. */
import type { z } from "zod";

export const inputValidators: Readonly<Record<string, z.ZodType>> = {};
export const settingsValidators: Readonly<Record<string, z.ZodType>> = {};
export const rowValidators: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {};
