/** Components over the hooks. Their look is in `styles.css`, by classes that begin with `rc-`. */
export {};
