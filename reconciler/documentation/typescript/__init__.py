"""An npm package for one instance: types, zod validators, a client and React hooks. Texts by file name.

naming.py      names of types and fields as TypeScript has them
shapes.py      fields -> TypeScript types
validators.py  fields -> zod
package.py     all files of the package
runtime/       what is the same for everyone, as it is written: client, hooks, components, rules, mocks
"""
