/** The rows that agents wrote: in pages, in groups, and their schema. */
import { useQuery } from "@tanstack/react-query";
import type { JsonSchema, JsonValue } from "../api.js";
import type { GroupQuery, ModelOf, ResultQuery, RowOf, TypeName } from "../client.js";
import * as api from "../generated/sdk.gen.js";
import type { ApiError } from "../problems.js";
import { useClient } from "./provider.js";
import { keys, usePages, useRead, type Pages, type Read, type ReadOptions } from "./reading.js";

export type ResultFilter<Row> = Omit<ResultQuery<Row>, "cursor" | "signal">;

/** Rows of an agent, page after page. */
export function useResults<T extends TypeName, M extends ModelOf<T>>(
  type: T,
  agent: string,
  model: M,
  query: ResultFilter<RowOf<T, M>> = {},
  options?: ReadOptions,
): Pages<RowOf<T, M>> {
  const client = useClient();
  return usePages(
    keys("results", "rows", agent, model, query),
    async ({ signal }, cursor) => ({
      data: await client.listResults(type, agent, model, { ...query, ...cursor, signal }),
    }),
    options,
  );
}

/** Rows counted and summed up, an item for each group. */
export function useResultGroups<T extends TypeName, M extends ModelOf<T>>(
  type: T,
  agent: string,
  model: M,
  query: Omit<GroupQuery<RowOf<T, M>>, "signal">,
  options?: ReadOptions,
): Read<Record<string, JsonValue>[]> {
  const client = useClient();
  return useQuery<Record<string, JsonValue>[], ApiError>({
    queryKey: keys("results", "groups", agent, model, query),
    queryFn: async ({ signal }) => (await client.groupResults(type, agent, model, { ...query, signal })).items,
    ...options,
  });
}

/** JSON Schema of a model's rows. */
export function useResultSchema(agent: string, model: string, options?: ReadOptions): Read<JsonSchema> {
  return useRead(
    keys("results", "schema", agent, model),
    async (asking) => {
      const { data } = await api.getDynamicAgentSchema({ ...asking, path: { id: agent }, query: { model } });
      return { data: data as JsonSchema };
    },
    options,
  );
}
