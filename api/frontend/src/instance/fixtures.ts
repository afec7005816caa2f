/** Rows that keep every constraint, of three types that are made up; see `types.ts`. */
