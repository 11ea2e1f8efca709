    float values[@{NAME}_OUTPUTS];

    @{name}_dequantize_output(y, values);
    for (int i = 0; i < @{NAME}_OUTPUTS; ++i) {
        Serial.print(@{name}_outputs[i]);
        Serial.print(' ');
        Serial.println(values[i], 4);
    }
