import type { ReactNode } from "react";

/** The button that reads the next page of a list, where there is one. */
export function More(props: { readonly of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage(): unknown } }): ReactNode {
  const { of } = props;
  return of.hasNextPage ? (
    <footer>
      <button type="button" className="small" disabled={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
        {of.isFetchingNextPage ? "Reading…" : "Show more"}
      </button>
    </footer>
  ) : null;
}
