"""HTTP: apps, routes, authentication, two dialects, the contract, errors as documents."""
