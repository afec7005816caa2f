/** Handlers for Mock Service Worker that answer as an instance would. */
export {};
