module wirelint.example/lab/ends

go 1.26.0
