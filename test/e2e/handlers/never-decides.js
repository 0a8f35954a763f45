// The hook upgrade never decides.
export const upgrade = () => new Promise(() => {});

export default {};
